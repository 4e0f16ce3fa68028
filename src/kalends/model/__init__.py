"""What things are: values without I/O, shared by every layer, importing nothing of ours."""
