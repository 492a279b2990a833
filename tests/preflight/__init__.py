"""The preflight: faults that are planted, and remedies that are pasted."""
