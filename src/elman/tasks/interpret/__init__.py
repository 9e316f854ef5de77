"""The task of writing in one language what is said in another."""
