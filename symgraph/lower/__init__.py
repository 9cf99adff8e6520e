"""From a graph to a program: sizes, groups, kernels, steps."""
