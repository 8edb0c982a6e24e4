"""What people look at: each read is scoped by who looks."""
