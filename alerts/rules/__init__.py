"""Rules themselves: those of the guide, in words, what is wrong with one, how much one bothers people."""
