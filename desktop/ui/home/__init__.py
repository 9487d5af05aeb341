"""What the home page is made of: cards with rows that lead somewhere."""
