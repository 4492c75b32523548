"""The numbers of the fields of a Parquet footer, by the struct that they are in.

They are those of https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from __future__ import annotations

# FileMetaData
VERSION, SCHEMA, NUM_ROWS, ROW_GROUPS, KEY_VALUES, CREATED_BY, COLUMN_ORDERS = range(1, 8)
ENCRYPTION, SIGNING_KEY = 8, 9
# SchemaElement
ELEMENT_TYPE, TYPE_LENGTH, REPETITION, NAME, NUM_CHILDREN = 1, 2, 3, 4, 5
# RowGroup
COLUMNS, BYTES, GROUP_ROWS, SORTING, GROUP_OFFSET, COMPRESSED_BYTES = range(1, 7)
# ColumnChunk
FILE_PATH, CHUNK_OFFSET, META, CRYPTO, ENCRYPTED_META = 1, 2, 3, 8, 9
OFFSET_INDEX, OFFSET_INDEX_LENGTH, COLUMN_INDEX, COLUMN_INDEX_LENGTH = range(4, 8)
# ColumnMetaData
NUM_VALUES, UNCOMPRESSED, COMPRESSED = 5, 6, 7
DATA_PAGE, INDEX_PAGE, DICTIONARY_PAGE, STATISTICS, BLOOM_FILTER = 9, 10, 11, 12, 14
# Statistics
NULL_COUNT = 3
