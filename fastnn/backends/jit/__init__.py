"""What the kernels in Python of CPU and GPU share."""
