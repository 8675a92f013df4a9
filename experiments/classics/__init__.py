"""The classics: what each paper showed, shown again."""
