"""What the connections do: currents by source, the weight matrix, lesions."""
