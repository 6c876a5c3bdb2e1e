"""What people train with, written from what is stored."""
