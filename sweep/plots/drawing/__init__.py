"""What figures share: style, panels, scales, looks of lines, and marks that a page can point at."""
