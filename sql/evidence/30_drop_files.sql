-- The texts are not needed beside the documents.
DROP TABLE files;
