"""Reading what workers wrote, in order, without gaps."""
