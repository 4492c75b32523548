-- Drops files: the texts are not needed beside the documents.
DROP TABLE files;
