"""What can be asked under /api/v1?"""
