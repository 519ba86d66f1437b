"""What mail programs are told that ask for the settings of an address: values to bytes, no more."""
