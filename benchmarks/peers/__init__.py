"""The same vote held by other means. Each module is a whole program: OUTPUT MAP FILE…"""
