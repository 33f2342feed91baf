"""What scripts/course is made of."""
