"""Opens cameras and files, paces them, and publishes their pictures as Frame messages."""
