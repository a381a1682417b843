"""Read a catalogue in any public layout, and write canonical Parquet and the rejected rows with reasons."""
