"""Reading a sweep: tables, figures, and one page that answers the experiment's question."""
