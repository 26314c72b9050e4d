// Module KConnect.
