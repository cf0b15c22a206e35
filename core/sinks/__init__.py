"""What actions are sent to: one module per kind of sink. No library is imported before its use."""
