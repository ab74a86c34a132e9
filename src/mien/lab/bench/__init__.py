"""Many methods side by side: ``mien bench emotions``, ``mien bench search``, ``mien lab ui``."""
