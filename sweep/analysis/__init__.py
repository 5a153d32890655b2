"""What a result shows, each finding computed once: numbers, neither drawn nor put into words."""
