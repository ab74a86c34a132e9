"""Speed and memory, always against a reference measured in the same run."""
