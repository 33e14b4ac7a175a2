"""What the commands do: a class for each kind of thing, all working on one desk."""
