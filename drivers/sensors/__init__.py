"""What the box feels: temperatures, fans, mains and battery, the clock, memory and disk pressure, network links, BMC.

Each reader takes the root of its files or its programs as an argument and says what it cannot read; nothing is guessed.
"""
