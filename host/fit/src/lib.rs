//! Weights of floats to stacked bit planes: joint fit, error feedback by the layer's inputs
