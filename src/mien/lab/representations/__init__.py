"""What a face can be shown to a net as, from the same aligned landmarks or the same picture."""
