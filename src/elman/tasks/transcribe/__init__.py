"""The task of writing down what is said."""
