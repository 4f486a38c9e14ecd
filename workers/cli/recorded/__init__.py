"""Recordings of tracks: made, put in order, judged again by the code of the fleet."""
