"""The training: compiled code that knows arrays, never files, tables or plots."""
