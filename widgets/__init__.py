"""What is drawn: widgets that know the data types of `services` and nothing that talks to the network."""
