"""Files of every format -> tables and tagged sentences, one format a file."""
