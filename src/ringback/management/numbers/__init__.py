"""Access numbers: the server administrator adds them; an account hands them down, and leads them to
extensions."""
