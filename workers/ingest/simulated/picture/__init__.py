"""From people in a place to pictures of them: numpy and a little OpenCV, the same for the same seed."""
