"""The world's model servers behind one interface, `base.Provider`."""
