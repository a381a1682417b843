"""The predictor: LightGBM behind KServe's Open Inference Protocol."""
