"""Results on disk: the only package that writes them.

Every file is written under a temporary name, flushed to disk and renamed, so that under its own name it is whole. What
was trained goes to chunk files as it is finished; tables are made of these, and `manifest.json` is the last to appear:
a directory without it holds no result yet.
"""
