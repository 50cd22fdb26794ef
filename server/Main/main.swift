import ArgumentParser
import Receiver
print("x")
