"""Ways to make a key of the values of one column, derived from some of these values.

A way is a normalisation and, where that is not enough, a pattern whose first group is the key. The set is small:

- the value, its base name, its stem, the base name without a media extension, its last two folders, its parent folder;
- a run of digits (of at least 6 or 4, never of fewer: a 1 in ``KoNViD_1k_videos`` is no identifier), the only number
  without its leading zeros, a run of hex digits with the length that it has in the values, a UUID;
- the part before or after the first or last ``_ - . # @ +`` or space, the part between the first two, and that between
  the first, or the prefix that all values share, and the last;
- what is left without the prefix and suffix that all values share;
- the letters and digits that all values begin with, by their number (``^([A-Z][0-9]{3})`` of ``A012NEW``).

Only what applies to nearly all values is kept, and of several ways that make the same keys the simplest for each
normalisation: a rule has one normalisation for both of its sides.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

MEDIA = (
    "mp4 m4v avi mkv mov webm wmv flv mpg mpeg ts yuv y4m rgb h264 h265 264 265 hevc vp9 av1 ivf png jpg jpeg bmp npy "
    "npz pt pth pkl mat h5 hdf5 csv json jsonl txt parquet"
).split()

_MOST_WAYS = 24  # per column
_NEARLY_ALL = 0.95
_SEPARATORS = "_-.#@+ "
_EXTENSION = re.compile(r"\.([A-Za-z0-9]+)$")
_UUID = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"


@dataclass(frozen=True)
class Way:
    """A normalisation and a pattern. ``cost`` says how far the pattern is from none."""

    normalize: str
    regex: str | None = None
    cost: int = 0

    def key(self, text: str) -> str | None:
        """What make_key in ``sql/rules/`` makes of a trimmed text; for samples alone."""
        if self.normalize != "raw":
            found = re.search(r"([^/\\]*)[/\\]*$", text)
            text = found[1] if found else ""
        if self.normalize == "stem" and re.fullmatch(r".*[^.].*\.[^.]+", text, re.DOTALL):
            text = text.rpartition(".")[0]
        if self.regex is not None:
            found = re.search(self.regex, text)
            text = (found[1] or "") if found else ""
        return text.strip() or None


Ways = tuple[Way, ...]
"""Ways that make the same keys of a column, each with another normalisation."""
OfName = Callable[[str, int], Iterator[Way]]


def plain_ways() -> list[Ways]:
    """Return the ways for a column of whole numbers: the number itself."""
    return [tuple(Way(normalize) for normalize in ("raw", "basename", "stem"))]


def ways(texts: Sequence[str]) -> list[Ways]:
    """Return the ways to make keys of these values of one column, the likely ones first."""
    if not texts:
        return []
    classes: dict[tuple[str | None, ...], list[Way]] = {}
    for way in _candidates(texts):
        keys = tuple(map(way.key, texts))
        if sum(key is not None for key in keys) < _NEARLY_ALL * len(texts):
            continue
        if len(texts) > 1 and len(set(keys)) == 1:
            continue
        same = classes.setdefault(keys, [])
        if all(other.normalize != way.normalize or other.cost > way.cost for other in same):
            same[:] = [other for other in same if other.normalize != way.normalize] + [way]
    return [tuple(same) for same in list(classes.values())[:_MOST_WAYS]]


def common_prefix(texts: Sequence[str]) -> str:
    """Return what all texts begin with."""
    first, last = min(texts), max(texts)  # Those between begin with what these two share.
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(character for character, _ in same)


def common_suffix(texts: Sequence[str]) -> str:
    """Return what all texts end with."""
    return common_prefix([text[::-1] for text in texts])[::-1]


def _escape(text: str) -> str:
    return re.sub(r"[\\.+*?()|\[\]{}^$]", r"\\\g<0>", text)


def _in_class(character: str) -> str:
    return "\\" + character if character in "\\]^-" else character


def _candidates(texts: Sequence[str]) -> Iterator[Way]:
    has_folders = any(set("/\\") & set(text) for text in texts)
    names = [Way("basename").key(text) or "" for text in texts]
    found = [_EXTENSION.search(name) for name in names]
    extensions = sorted({match[1].lower() for match in found if match} & set(MEDIA))
    ending = rf"(?:\.(?i:{'|'.join(extensions)}))?$" if extensions else "$"
    bare = [
        name[: match.start()] if match and match[1].lower() in extensions else name
        for name, match in zip(names, found, strict=True)
    ]

    def of_name(pattern: str, cost: int) -> Iterator[Way]:
        """A pattern of base names that begins with ^, also for values that keep their folders."""
        yield Way("raw", rf"^(?:.*[/\\])?{pattern[1:]}" if has_folders else pattern, cost + has_folders)
        yield Way("basename", pattern, cost)
        yield Way("stem", pattern, cost)

    no_folder = r"/\\" if has_folders else ""
    for normalize in ("raw", "basename", "stem"):
        yield Way(normalize)
    if has_folders:
        yield Way("raw", r"([^/\\]+)[/\\]*$", 2)
    if extensions:
        yield Way("raw", rf"^(.+?){ending}", 3)
        yield Way("basename", rf"^(.+?){ending}", 3)
        if has_folders:
            yield Way("raw", rf"([^/\\]+?){ending}", 4)
    if any("." in name for name in names):
        yield Way("raw", rf"([^{no_folder}]+?)(?:\.[^.{no_folder}]+)?$" if has_folders else r"^(.+?)(?:\.[^.]+)?$", 4)
    yield from _runs(bare)
    yield from _affixes(bare, ending, of_name)
    yield from _leading_shape(bare, of_name)
    if has_folders:
        yield Way("raw", rf"([^/\\]+[/\\][^/\\]+?){ending}", 5)
        yield Way("raw", r"([^/\\]+[/\\][^/\\]+)$", 5)
        yield Way("raw", r"([^/\\]+)[/\\][^/\\]*$", 5)
    for separator in _SEPARATORS:
        if _share(separator in name for name in bare) < _NEARLY_ALL:
            continue
        mark, other = _escape(separator), rf"[^{no_folder}{_in_class(separator)}]"
        yield from of_name(rf"^({other}+){mark}", 4)
        yield Way("raw", rf"({other}+?){ending}", 5)
        yield Way("basename", rf"({other}+?){ending}", 5)
        yield from of_name(rf"^(.+){mark}{other}*$", 5)
        yield from of_name(rf"^{other}*{mark}(.+?){ending}", 5)
        yield from of_name(rf"^{other}*{mark}({other}+)", 5)
        if _share(name.count(separator) > 1 for name in bare) >= _NEARLY_ALL:
            yield from of_name(rf"^{other}*{mark}(.+){mark}{other}*$", 6)
            if prefix := common_prefix(bare).rpartition(separator)[0]:
                yield from of_name(rf"^{_escape(prefix + separator)}(.+){mark}{other}*$", 6)


def _share(truths: Iterable[bool]) -> float:
    known = list(truths)
    return sum(known) / len(known)


def _runs(names: Sequence[str]) -> Iterator[Way]:
    """Runs of hex digits, and of digits."""
    normalizes = ("raw", "basename", "stem")
    if _share(bool(re.search(_UUID, name)) for name in names) >= _NEARLY_ALL:
        for normalize in normalizes:
            yield Way(normalize, f"({_UUID})", 3)
    for digits in ("0-9a-f", "0-9A-F"):
        runs = [max(re.findall(f"[{digits}]+", name), key=len, default="") for name in names]
        lengths = sorted({len(run) for run in runs})
        if lengths[0] >= 8 and any(set("abcdefABCDEF") & set(run) for run in runs):
            count = f"{{{lengths[0]}}}" if len(lengths) == 1 else f"{{{lengths[0]},}}"
            for normalize in normalizes:
                yield Way(normalize, f"([{digits}]{count})", 3)
    longest = sorted(max(map(len, re.findall("[0-9]+", name)), default=0) for name in names)
    typical = longest[int(len(longest) * (1 - _NEARLY_ALL))]
    for least in (6, 4):
        if typical >= least:
            for normalize in normalizes:
                yield Way(normalize, f"^([0-9]{{{least},}})_", 3)
                yield Way(normalize, f"([0-9]{{{least},}})", 3)
            break
    if _share(len(re.findall("[0-9]+", name)) == 1 for name in names) >= _NEARLY_ALL:
        for normalize in normalizes:
            yield Way(normalize, "0*([1-9][0-9]*)", 6)


def _affixes(names: Sequence[str], ending: str, of_name: OfName) -> Iterator[Way]:
    """What all names begin and end with, cut where a word or a number does."""
    if len(set(names)) < 3:
        return
    prefix = common_prefix(names)
    while prefix and prefix[-1].isalnum() and not (prefix[-1].isalpha() and all(_digit_at(names, len(prefix)))):
        prefix = prefix[:-1]
    suffix = common_suffix(names)
    while suffix and suffix[0].isalnum():
        suffix = suffix[1:]
    if (prefix or suffix) and all(len(name) > len(prefix) + len(suffix) for name in names):
        yield from of_name(rf"^{_escape(prefix)}(.+?){_escape(suffix)}{ending}", 5)


def _digit_at(names: Sequence[str], place: int) -> Iterator[bool]:
    return (name[place : place + 1].isdigit() for name in names)


def _leading_shape(names: Sequence[str], of_name: OfName) -> Iterator[Way]:
    """The letters and digits that all names begin with, where some go on after them."""
    words = [re.findall(r"[A-Z]+|[a-z]+|[0-9]+|.", name) for name in names]
    pattern, kinds = "", ""
    for column in zip(*words, strict=False):
        kind = {_kind(word) for word in column}
        if len(kind) > 1:
            break
        letters = kind.pop()
        lengths = {len(word) for word in column}
        if len(letters) == 1:
            break
        pattern += letters + ("+" if len(lengths) > 1 else f"{{{min(lengths)}}}" if min(lengths) > 1 else "")
        kinds += letters
    if "0-9" in kinds and pattern:
        yield from of_name(f"^({pattern})", 5)


def _kind(word: str) -> str:
    for letters in ("A-Z", "a-z", "0-9"):
        if re.match(f"[{letters}]", word):
            return f"[{letters}]"
    return word[0]
