"""What a user can ask for: a table, a batch, a join, a verification and so on."""
