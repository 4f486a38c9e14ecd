"""What people are shown of an incident: a snapshot and a clip of skeletons, without any picture of them."""
