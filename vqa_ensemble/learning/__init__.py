"""Learning how far to trust whom: labelled questions, combiners, comparison."""
