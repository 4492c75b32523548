-- Locks the connection: from here on statements reach no file, no network, no extension, no variable of Python, no
-- setting. The secrets come first: with external access alone switched off, older versions still wrote one to the home
-- folder.
SET allow_persistent_secrets = false;
SET python_enable_replacements = false;
SET autoinstall_known_extensions = false;
SET autoload_known_extensions = false;
SET allow_community_extensions = false;
SET disabled_filesystems = 'LocalFileSystem';
SET enable_external_access = false;
SET lock_configuration = true;
