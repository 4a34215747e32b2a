"""Measurements that anyone can repeat; README.md in this folder says how."""
