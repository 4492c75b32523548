"""The scripts by which bash, zsh and fish complete a command line, made from the table of commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Argument:
    """An argument of a command. One without ``flags`` is given by its position.

    ``takes`` is nothing, word (one of ``words``), file, folder or text. ``help`` is None if the argument is hidden.
    ``is_repeated`` says that one given by its position may be given again.
    """

    flags: tuple[str, ...]
    help: str | None
    takes: str
    words: tuple[str, ...] = ()
    is_repeated: bool = False

    @property
    def takes_value(self) -> bool:
        return self.takes != "nothing"


@dataclass(frozen=True)
class Completed:
    """A command with its flags and the arguments given by position. The program itself has an empty name."""

    name: str
    help: str
    flags: Sequence[Argument]
    places: Sequence[Argument]


def _quoted(text: str) -> str:
    """Return a text as one word of bash and zsh."""
    return "'" + text.replace("'", "'\\''") + "'"


_BASH = """\
# Completes command lines of moslabels in bash.
_moslabels() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= takes= flags= words= word
    # bash takes the = of --flag=value for a word.
    if [[ $current == = ]]; then
        current=
    elif [[ $previous == = ]]; then
        previous=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ $word != -* ]]; then command=$word; break; fi
    done
    case $command in
%(commands)s
    esac
    COMPREPLY=()
    if [[ $takes != value:* && $current == -* ]]; then
        takes=word words=$flags
    fi
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(
        case ${takes#value:} in
            word) compgen -W "$words" -- "$current" ;;
            file) compgen -f -- "$current" ;;
            folder) compgen -d -- "$current" ;;
        esac
    )
    case ${takes#value:} in
        file | folder) compopt -o filenames 2> /dev/null ;;
    esac
}
complete -F _moslabels moslabels
"""


def bash(program: Completed, commands: Sequence[Completed]) -> str:
    """Return the script of bash. It also runs in bash 3.2, the one of macOS."""
    first = Argument((), "", "word", tuple(command.name for command in commands))
    cases = [_bash_case(Completed("''", "", program.flags, [first])), *map(_bash_case, commands)]
    return _BASH % {"commands": "\n".join(cases)}


def _bash_case(command: Completed) -> str:
    kinds: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for argument in command.flags:
        if argument.takes_value:
            kinds.setdefault((argument.takes, argument.words), []).extend(argument.flags)
    lines = [f"        {command.name})", f"            flags={_quoted(' '.join(_names(command)))}"]
    lines.append("            case $previous in")
    for (takes, words), flags in kinds.items():
        lines.append(f"                {' | '.join(flags)}) {_bash_takes(f'value:{takes}', words)} ;;")
    for place in command.places[:1]:
        lines.append(f"                *) {_bash_takes(place.takes, place.words)} ;;")
    return "\n".join([*lines, "            esac ;;"])


def _bash_takes(takes: str, words: Sequence[str]) -> str:
    return f"takes={takes}" + (f" words={_quoted(' '.join(words))}" if words else "")


def _names(command: Completed) -> list[str]:
    return [name for argument in command.flags for name in argument.flags]


_ZSH = """\
#compdef moslabels
# Completes command lines of moslabels in zsh.
_moslabels() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -C \\
%(flags)s \\
        '1:command:->command' \\
        '*::argument:->argument'
    case $state in
        command)
            local -a commands
            commands=(
%(list)s
            )
            _describe command commands ;;
        argument)
            case $words[1] in
%(commands)s
            esac ;;
    esac
}
if [[ $funcstack[1] == _moslabels ]]; then
    _moslabels "$@"
else
    compdef _moslabels moslabels
fi
"""
_ZSH_ACTIONS: Mapping[str, str] = {"file": "_files", "folder": "_files -/", "text": " "}


def zsh(program: Completed, commands: Sequence[Completed]) -> str:
    """Return the script of zsh, to be sourced or to be put in a folder of fpath as _moslabels."""
    listed = [f"                {_quoted(f'{command.name}:{command.help}')}" for command in commands]
    return _ZSH % {
        "flags": " \\\n".join(f"        {spec}" for spec in _zsh_specs(program)),
        "list": "\n".join(listed),
        "commands": "\n".join(map(_zsh_case, commands)),
    }


def _zsh_case(command: Completed) -> str:
    specs = " \\\n".join(f"                        {spec}" for spec in _zsh_specs(command))
    return f"                {command.name})\n                    _arguments \\\n{specs} ;;"


def _zsh_specs(command: Completed) -> list[str]:
    specs = []
    for argument in command.flags:
        for flag in argument.flags:
            spec = f"[{_zsh_text(argument.help)}]"
            if argument.takes_value:  # A long flag takes its value after = or as the next word.
                spec = f"{'=' if flag.startswith('--') else ''}{spec}{_zsh_action(argument)}"
            specs.append(_quoted(f"*{flag}{spec}" if argument.takes_value else f"{flag}{spec}"))
    for number, argument in enumerate(command.places, start=1):
        specs.append(_quoted(f"{'*' if argument.is_repeated else number}{_zsh_action(argument)}"))
    return specs


def _zsh_action(argument: Argument) -> str:
    words = f"({' '.join(argument.words)})" if argument.takes == "word" else _ZSH_ACTIONS[argument.takes]
    return f":{argument.takes}:{words}"


def _zsh_text(text: str | None) -> str:
    return "".join(f"\\{letter}" if letter in "[]:\\" else letter for letter in text or "")


_FISH = """\
# Completes command lines of moslabels in fish.
function __moslabels_command
    for word in (commandline -opc)[2..]
        if not string match -q -- '-*' $word
            echo $word
            return
        end
    end
end
function __moslabels_has
    set -l command (__moslabels_command)
    test "$argv" = "$command"
end
complete -c moslabels -f
"""


def fish(program: Completed, commands: Sequence[Completed]) -> str:
    """Return the script of fish."""
    lines = [_fish_flag("", argument) for argument in program.flags]
    lines += [f"complete -c moslabels -n '__moslabels_has' -a {one.name} -d {_fish(one.help)}" for one in commands]
    for command in commands:
        lines += [_fish_flag(command.name, argument) for argument in command.flags]
        lines += [_fish_place(command.name, argument) for argument in command.places[:1]]
    return _FISH + "".join(f"{line}\n" for line in lines if line)


def _fish(text: str | None) -> str:
    return "'" + (text or "").replace("\\", "\\\\").replace("'", "\\'") + "'"


def _fish_of(command: str) -> str:
    return f"complete -c moslabels -n '{' '.join(['__moslabels_has', *filter(None, [command])])}'"


def _fish_flag(command: str, argument: Argument) -> str:
    names = "".join(
        f" -l {flag.removeprefix('--')}" if flag.startswith("--") else f" -s {flag[1:]}" for flag in argument.flags
    )
    return f"{_fish_of(command)}{names} -d {_fish(argument.help)}{_fish_takes(argument, ' -r')}"


def _fish_place(command: str, argument: Argument) -> str:
    takes = _fish_takes(argument, "")
    return f"{_fish_of(command)}{takes}" if takes else ""


def _fish_takes(argument: Argument, value: str) -> str:
    """Return the switches for what an argument takes. ``value`` is the switch of a flag that takes a value."""
    match argument.takes:
        case "word":
            return f"{value} -f -a {_fish(' '.join(argument.words))}"
        case "file":
            return f"{value} -F"
        case "folder":
            return f"{value} -f -a '(__fish_complete_directories)'"
        case "text":
            return f"{value} -f" if value else ""
    return ""


SCRIPTS: Mapping[str, Callable[[Completed, Sequence[Completed]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
"""The function that makes the script of each shell."""
