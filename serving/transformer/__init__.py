"""The transformer: seeds in, recommendations out; FAISS here, LightGBM at the predictor."""
