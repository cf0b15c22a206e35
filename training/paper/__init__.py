"""The paper's experiments: a recipe per row, how it is run, its published figure beside ours."""
