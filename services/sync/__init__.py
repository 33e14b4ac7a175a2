"""Live sync of a local folder and a prefix: scans are truth, events are hints, and nothing is lost."""
