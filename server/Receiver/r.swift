public import Hummingbird
public import Crypto
public import StructuredFieldValues
public enum R {}
